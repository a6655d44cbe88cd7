"""A shop: items that are listed, added and taken out."""

from __future__ import annotations

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

app = FastAPI(title="Shop", version="1.0.0")


class NewItem(BaseModel):
    name: str = Field(min_length=1, max_length=60)
    price_cents: int = Field(ge=0, le=10_000_000)


class Item(NewItem):
    id: int


ITEMS: dict[int, Item] = {1: Item(id=1, name="Lamp", price_cents=2500)}


@app.get("/items")
def items() -> list[Item]:
    return list(ITEMS.values())


@app.post("/items", status_code=201)
def add(item: NewItem) -> Item:
    made = Item(id=max(ITEMS, default=0) + 1, name=item.name, price_cents=item.price_cents)
    ITEMS[made.id] = made
    return made


@app.get("/items/{item_id}")
def item(item_id: int) -> Item:
    if item_id not in ITEMS:
        raise HTTPException(404, "no such item")
    return ITEMS[item_id]


@app.delete("/items/{item_id}", status_code=204)
def remove(item_id: int) -> None:
    if ITEMS.pop(item_id, None) is None:
        raise HTTPException(404, "no such item")
