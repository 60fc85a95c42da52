// Removes globals that some scopes lack. Must be imported before the modules that use them.
for (const name of ['TextDecoder', 'atob', 'fetch', 'URL', 'performance', 'Response', 'Blob', 'ReadableStream']) {
  delete globalThis[name];
}
