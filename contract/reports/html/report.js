/* The page reads without this. It does two things: filter by URL, and copy. */
const want = new URLSearchParams(location.search), form = document.querySelector(".filters"), all = document.querySelectorAll(".finding");
const fits = (finding, key, value) => !value || (key === "q"
  ? finding.textContent.toLowerCase().includes(value.toLowerCase())
  : value.split(",").includes(finding.dataset[key]));
if (form) {
  let shown = 0;
  for (const finding of all) shown += !(finding.hidden = [...want].some(([key, value]) => !fits(finding, key, value)));
  for (const group of document.querySelectorAll(".group")) group.hidden = !group.querySelector(".finding:not([hidden])");
  for (const [key, value] of want) if (form.elements[key]) form.elements[key].value = value;
  form.querySelector("output").textContent = `${shown} of ${all.length} shown`;
  form.querySelector(".shown").hidden = ![...want.values()].some(Boolean);
  form.addEventListener("change", () => form.requestSubmit());
}
for (const pre of document.querySelectorAll("pre[data-copy]")) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Copy" });
  button.onclick = async () => { await navigator.clipboard.writeText(pre.textContent); button.textContent = "Copied"; };
  pre.previousElementSibling.append(button);
}
const open = () => { const f = document.getElementById(location.hash.slice(1)); if (f?.matches("details")) f.open = true; };
addEventListener("hashchange", open); open();
