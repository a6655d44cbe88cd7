/* The page reads without this. It filters by URL, opens what the address names, copies, and tells times as they are here. */
const want = new URLSearchParams(location.search), form = document.querySelector(".filters.local"), all = document.querySelectorAll(".finding");
const fits = (finding, key, value) => !value || (key === "q"
  ? finding.textContent.toLowerCase().includes(value.toLowerCase())
  : !(key in finding.dataset) || finding.dataset[key].split("\n").some(own => own === value || value.split(",").includes(own)));
if (form) {
  let shown = 0;
  for (const finding of all) shown += !(finding.hidden = [...want].some(([key, value]) => !fits(finding, key, value)));
  for (const group of document.querySelectorAll(".group")) group.hidden = !group.querySelector(".finding:not([hidden])");
  for (const [key, value] of want) {
    const field = form.elements.namedItem(key);
    if (field?.options && ![...field.options].some(option => option.value === value)) field.add(new Option(value, value));
    if (field) field.value = value;
  }
  form.querySelector("output").textContent = `${shown} of ${all.length} shown`;
  form.querySelector(".shown").hidden = ![...want.values()].some(Boolean);
  form.addEventListener("change", () => form.requestSubmit());
}
for (const pre of document.querySelectorAll("pre[data-copy]")) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Copy" });
  button.onclick = async () => { await navigator.clipboard.writeText(pre.textContent); button.textContent = "Copied"; };
  pre.previousElementSibling.append(button);
}
for (const time of document.querySelectorAll("time")) time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
const open = () => {
  const named = document.getElementById(location.hash.slice(1));
  for (let node = named; node; node = node.parentElement) if (node.matches("details")) node.open = true;
  if (named?.closest("details")) named.scrollIntoView();
};
addEventListener("hashchange", open); open();
