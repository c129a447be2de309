
'use strict';
(() => {
  const root = document.documentElement;
  const buttons = Array.from(document.querySelectorAll('.langs button'));
  const speak = (lang) => {
    root.lang = lang;
    const title = document.querySelector('title');
    document.title = title.dataset[lang];
    buttons.forEach((b) => b.setAttribute('aria-pressed', String(b.dataset.to === lang)));
  };
  buttons.forEach((b) => b.addEventListener('click', () => speak(b.dataset.to)));
  speak(root.lang);
  document.querySelector('.langs').hidden = false;
})();
