await navigator.serviceWorker.register('plain.mjs', { type: 'module' });
