// A Node process that runs engines for the bench. The parent sends [method, …arguments]; the answer
// is { value } or { error }.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Stand } from './stand';

const [folder = '.'] = process.argv.slice(2);
// copy the Buffer into a Uint8Array, because Buffer.slice does not copy
const stand = new Stand(async (file) => new Uint8Array(await readFile(path.join(folder, file))));

process.on('message', ([method, ...given]: ['start' | 'warmUp' | 'visit', ...never[]]) => {
  const answer: Promise<unknown> = (stand[method] as (...given: never[]) => Promise<unknown>)(...given);
  answer.then((value) => process.send!({ value }), (error: Error) => process.send!({ error: error.message }));
});
