// Takes away what some scopes lack; imported first, so that the modules after it find it gone.
for (const name of ['TextDecoder', 'atob', 'fetch', 'URL', 'performance', 'Response', 'Blob', 'ReadableStream']) {
  delete globalThis[name];
}
