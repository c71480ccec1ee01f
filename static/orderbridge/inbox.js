// Ticking rows: one box for the whole page; ticking a row chooses "only the ticked rows".
"use strict";

document.querySelectorAll("form[data-ob-selection]").forEach((form) => {
  const rows = [...form.querySelectorAll("tbody input[type=checkbox]")];
  const all = form.querySelector("[data-ob-all]");
  const number = form.querySelector("[data-ob-ticked]");
  const onlyTicked = form.querySelector("input[name=select_across][value='0']");
  const everything = form.querySelector("input[name=select_across][value='1']");
  if (!all || !onlyTicked) return;

  const show = (choose) => {
    const ticked = rows.filter((row) => row.checked).length;
    number.textContent = ticked ? `(${ticked})` : "";
    all.checked = ticked === rows.length;
    all.indeterminate = ticked > 0 && ticked < rows.length;
    if (choose) (ticked ? onlyTicked : everything).checked = true;
  };
  all.addEventListener("change", () => {
    rows.forEach((row) => { row.checked = all.checked; });
    show(true);
  });
  rows.forEach((row) => row.addEventListener("change", () => show(true)));
  show(false);
});
