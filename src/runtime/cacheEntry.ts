import type { Store } from './cacheStore';
import { joined } from './read';

// One file in the storage: pieces, and an info entry that says which pieces belong together.
//
//   info/ADDRESS/              Info as JSON, written after the pieces that it counts
//   pieces/ADDRESS/DOWNLOAD/0… pieces of one download, each of at least PIECE bytes but the last
//
// Downloads of other tabs may write at the same time. They have other names, and an info entry
// whose pieces another tab has removed is the same as no entry.

/** What is known of a file, or of the part of it that has been downloaded. */
export interface Info {
  download: string;
  pieces: number;
  /** Bytes in the pieces. */
  loaded: number;
  isComplete: boolean;
  /** The version as the server names it. */
  version?: string | undefined;
  /** Bytes of the whole file, if the server told. */
  total?: number | undefined;
}

const PIECE = 2 ** 20;

/** Keeps one file in a store. Failures of the store are the same as an empty store. */
export class Entry {
  private readonly address: string;

  constructor(private readonly store: Store | undefined, url: string) {
    this.address = `${encodeURIComponent(url)}/`;
  }

  async info(): Promise<Info | undefined> {
    try {
      const bytes = await this.store?.get(`info/${this.address}`);
      return bytes && JSON.parse(new TextDecoder().decode(bytes)) as Info;
    } catch {
      return undefined;
    }
  }

  /** The bytes of all pieces, or undefined if one is missing. */
  async bytes({ download, pieces, loaded }: Info): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const bytes = new Uint8Array(loaded);
    let at = 0;
    try {
      for (let i = 0; i < pieces; i++) {
        const piece = await this.store!.get(`pieces/${this.address}${download}/${i}`);
        bytes.set(piece!, at);
        at += piece!.length;
      }
    } catch {
      return undefined;
    }
    return at === loaded ? bytes : undefined;
  }

  async drop(): Promise<void> {
    await drop(this.store, this.address);
  }

  /** Goes on with a download, or begins a new one. */
  writer(info?: Info): EntryWriter {
    return new EntryWriter(this.store, this.address, info);
  }
}

async function drop(store: Store | undefined, address: string): Promise<void> {
  for (const kind of ['info', 'pieces']) await store?.remove(`${kind}/${address}`).catch(() => undefined);
}

/** Writes the pieces of a download while it goes on. If the store fails, it writes nothing more. */
export class EntryWriter {
  private readonly info: Info;
  private pending: Uint8Array[] = [];
  private pendingBytes = 0;
  private writing: Promise<unknown> = Promise.resolve();
  private hasFailed: boolean;

  constructor(private readonly store: Store | undefined, private readonly address: string, info?: Info) {
    const download = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    this.info = { ...(info ?? { download, pieces: 0, loaded: 0 }), isComplete: false };
    this.hasFailed = store === undefined;
  }

  add(chunk: Uint8Array): void {
    if (this.hasFailed) return;
    this.pending.push(chunk);
    this.pendingBytes += chunk.length;
    if (this.pendingBytes >= PIECE) this.flush();
  }

  /** Keeps a part of a file, with which a later download can go on. */
  async keep(version: string | undefined, total: number | undefined): Promise<void> {
    this.flush();
    await this.write({ version, total });
  }

  /** Keeps the whole file, and removes its earlier versions. */
  async finish(version: string | undefined): Promise<void> {
    this.flush();
    await this.write({ version, isComplete: true });
    const pieces = `pieces/${this.address}`;
    if (!this.hasFailed) await this.store!.remove(pieces, pieces + this.info.download).catch(() => undefined);
  }

  private flush(): void {
    const { pending, pendingBytes } = this;
    if (this.hasFailed || pendingBytes === 0) return;
    this.pending = [];
    this.pendingBytes = 0;
    const key = `pieces/${this.address}${this.info.download}/${this.info.pieces++}`;
    this.info.loaded += pendingBytes;
    this.writing = this.writing.then(() => this.hasFailed || this.store!.put(key, joined(pending, pendingBytes))).catch(
      () => this.fail()
    );
  }

  private async write(more: Partial<Info>): Promise<void> {
    await this.writing;
    if (this.hasFailed) return;
    const info: Info = { ...this.info, ...more };
    const bytes = new TextEncoder().encode(JSON.stringify(info));
    await this.store!.put(`info/${this.address}`, bytes).catch(() => this.fail());
  }

  private async fail(): Promise<void> {
    this.hasFailed = true;
    this.pending = [];
    await drop(this.store, this.address);
  }
}
