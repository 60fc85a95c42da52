// A page that runs engines for the bench, which calls `window.stand`.
import { watchMemories } from './memories';
import { Stand } from './stand';

const read = async (file: string): Promise<Uint8Array> =>
  new Uint8Array(await (await fetch(`/files/${file}`)).arrayBuffer());

(window as unknown as { stand: Stand }).stand = new Stand(read, watchMemories());
