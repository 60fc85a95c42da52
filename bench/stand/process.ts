// Runs engines and networks in a Node process. Calls arrive as [method, …arguments]; answers are {
// value } or { error }.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Stand } from './stand';

const [folder = '.'] = process.argv.slice(2);
// not a Buffer, because slices of a Buffer are not copies
const stand = new Stand(async (file) => new Uint8Array(await readFile(path.join(folder, file))));

process.on('message', ([method, ...given]: ['start' | 'warmUp' | 'visit', ...never[]]) => {
  const answer: Promise<unknown> = (stand[method] as (...given: never[]) => Promise<unknown>)(...given);
  answer.then((value) => process.send!({ value }), (error: Error) => process.send!({ error: error.message }));
});
