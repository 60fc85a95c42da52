await navigator.serviceWorker.register('page.mjs', { type: 'module' });
