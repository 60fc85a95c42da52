// One engine with one network, in a Node process of its own. Calls come as [method, argument]; answers go back as { value } or { error }.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Stand } from './stand';

const [folder = '.'] = process.argv.slice(2);
const stand = new Stand((file) => readFile(path.join(folder, file)));

process.on('message', ([method, argument]: ['start', Parameters<Stand['start']>[0]] | ['warmUp' | 'visit', number]) => {
  const answer = method === 'start' ? stand.start(argument) : stand[method](argument);
  answer.then((value) => process.send!({ value }), (error: Error) => process.send!({ error: error.message }));
});
