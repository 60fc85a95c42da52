// Where `load` keeps files in a browser: the Cache API or, where there is none (pages without
// https), IndexedDB. Keys are paths, of which cacheEntry.ts has a list.

/** Keeps bytes by key. Every call may reject, for example when the origin's quota is exceeded. */
export interface Store {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, bytes: Uint8Array): Promise<unknown>;
  /** Deletes all entries whose keys begin with a text, except those that begin with another one. */
  remove(prefix: string, except?: string): Promise<unknown>;
}

/** Name of the cache and of the database. Programs may delete both. */
const NAME = 'kinglet';
/** Entries of the Cache API have web addresses; the domain .invalid never exists (RFC 2606). */
const BASE = 'https://kinglet.invalid/';

function cacheStore(cache: Cache): Store {
  return {
    async get(key) {
      const response = await cache.match(BASE + key);
      return response && new Uint8Array(await response.arrayBuffer());
    },
    put: (key, bytes) => cache.put(BASE + key, new Response(bytes as Uint8Array<ArrayBuffer>)),
    async remove(prefix, except) {
      const requests = await cache.keys();
      await Promise
        .all(requests.filter(({ url }) => url.startsWith(BASE + prefix) && !(except && url.startsWith(BASE + except)))
          .map((request) => cache.delete(request)));
    },
  };
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(request.error!);
    };
  });
}

function databaseStore(database: IDBDatabase): Store {
  const files = (mode: IDBTransactionMode): IDBObjectStore => database.transaction(NAME, mode).objectStore(NAME);
  // waits for the end of the transaction, because the quota is checked there
  const change = (work: (files: IDBObjectStore) => unknown): Promise<void> =>
    new Promise((resolve, reject) => {
      const store = files('readwrite');
      store.transaction.oncomplete = () => {
        resolve();
      };
      store.transaction.onabort = () => {
        reject(store.transaction.error!);
      };
      work(store);
    });
  return {
    get: (key) => settled(files('readonly').get(key) as IDBRequest<Uint8Array | undefined>),
    put: (key, bytes) => change((store) => store.put(bytes, key)),
    async remove(prefix, except) {
      const keys = await settled(files('readonly').getAllKeys(IDBKeyRange.bound(prefix, `${prefix}\uffff`)));
      await change((store) => {
        for (const key of keys as string[]) if (!(except && key.startsWith(except))) store.delete(key);
      });
    },
  };
}

async function openDatabase(): Promise<IDBDatabase> {
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(NAME);
  };
  const database = await settled(opening);
  // otherwise its deletion waits for this page
  database.onversionchange = () => {
    database.close();
  };
  return database;
}

/** Whether this engine has a storage for files. Using it may still fail. */
export function hasStorage(): boolean {
  return 'caches' in globalThis || 'indexedDB' in globalThis;
}

/**
 * Opens the storage.
 *
 * @returns undefined where a browser refuses it, as some do in private windows and sandboxed frames
 */
export async function openStore(): Promise<Store | undefined> {
  try {
    if ('caches' in globalThis) return cacheStore(await caches.open(NAME));
  } catch {
    // IndexedDB may work
  }
  try {
    return databaseStore(await openDatabase());
  } catch {
    return undefined;
  }
}
