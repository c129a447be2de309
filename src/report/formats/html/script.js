(() => {
  const all = (what, of = document) => Array.from(of.querySelectorAll(what));
  const one = (id) => document.getElementById(id);

  const rows = all('.row');
  const chapters = all('.chapter');
  const form = one('filters');
  const texts = new Map();
  const text = (row) => {
    if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
    return texts.get(row);
  };
  // Within a group any of the choices, and all groups.
  const filter = () => {
    const groups = all('fieldset', form)
      .map((set) => [set.dataset.of, all(':checked', set).map((box) => box.value)])
      .filter(([, values]) => values.length > 0);
    const words = one('find').value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const fits = groups.every(([of, values]) => {
        const has = of === 'k' ? row.dataset.k.split(' ') : [row.dataset[of]];
        return values.some((value) => has.includes(value));
      }) && words.every((word) => text(row).includes(word));
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    chapters.forEach((c) => { c.hidden = !c.querySelector('.row:not([hidden])'); });
    one('shown').textContent = String(shown);
  };
  let pending = 0;
  form.addEventListener('input', (event) => {
    clearTimeout(pending);
    pending = setTimeout(filter, event.target.type === 'search' ? 120 : 0);
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  const clear = () => {
    form.reset();
    filter();
  };
  one('all-shown').addEventListener('click', clear);
  const turn = (open) => rows.forEach((row) => { if (!row.hidden) row.open = open; });
  one('open-all').addEventListener('click', () => turn(true));
  one('close-all').addEventListener('click', () => turn(false));
  // A count leads to its rows, and to these alone.
  all('a[data-v], a[data-c]').forEach((link) => link.addEventListener('click', () => {
    form.reset();
    const [[of, value]] = Object.entries(link.dataset);
    all('input', form).forEach((box) => { if (box.name === of && box.value === value) box.checked = true; });
    filter();
  }));
  form.hidden = false;
  // A page that was left and comes back may have its boxes as they were.
  filter();
  addEventListener('pageshow', filter);

  // A link to a row or to a change opens it, whatever the filter hides.
  const go = () => {
    let id;
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const target = id && one(id);
    if (!target || target.localName !== 'details') return;
    if (target.hidden) clear();
    target.open = true;
    target.scrollIntoView();
    target.querySelector('summary').focus({ preventScroll: true });
  };
  addEventListener('hashchange', go);
  document.addEventListener('click', (event) => {
    const link = event.target.closest && event.target.closest('a[href^="#"]');
    if (link && link.getAttribute('href') === location.hash) go();
  });
  go();

  let closed = [];
  addEventListener('beforeprint', () => {
    closed = all('details:not([open])');
    closed.forEach((d) => { d.open = true; });
  });
  addEventListener('afterprint', () => closed.forEach((d) => { d.open = false; }));
})();
