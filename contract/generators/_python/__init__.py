"""How the Python client is planned, written and proven; `../python.py` is the door."""
