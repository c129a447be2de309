(() => {
  const one = (id) => document.getElementById(id);
  const rows = Array.from(document.querySelectorAll('tbody tr'));
  const texts = rows.map((row) => row.cells[0].textContent.toLowerCase());
  const filter = () => {
    const words = one('find').value.toLowerCase().split(/\s+/).filter(Boolean);
    const want = ['differ', 'open'].filter((id) => one(id).checked);
    let shown = 0;
    rows.forEach((row, i) => {
      const is = row.dataset.is.split(' ');
      const fits = want.every((id) => is.includes(id)) && words.every((word) => texts[i].includes(word));
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    one('shown').textContent = String(shown);
  };
  const form = one('filters');
  form.addEventListener('input', filter);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.hidden = false;
  filter();
  addEventListener('pageshow', filter);

  // A narrow column says little: below the table stands what the pointer is at.
  const names = Array.from(document.querySelectorAll('thead th'), (th) => th.title);
  const words = {};
  document.querySelectorAll('.legend li').forEach((li) => { words[li.className] = li.querySelector('b'); });
  document.querySelector('tbody').addEventListener('mouseover', (event) => {
    const cell = event.target.closest('td');
    if (!cell || !words[cell.className]) return;
    const id = cell.parentElement.querySelector('th b').textContent;
    one('at').textContent = `${names[cell.cellIndex]} · ${id} · ${words[cell.className].innerText}`;
  });
})();
