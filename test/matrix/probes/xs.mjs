// Runs a script in xsnap-worker, which reads netstrings from file descriptor 3 and answers on 4.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const [worker, script] = process.argv.slice(2);
const { stdio } = spawn(worker, [], { stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'pipe'] });
const command = Buffer.from(`e${readFileSync(script, 'utf8')}`);
stdio[3].write(Buffer.concat([Buffer.from(`${command.length}:`), command, Buffer.from(',')]));
stdio[4].setEncoding('utf8').on('data', (answer) => {
  if (!answer.includes('OK')) console.log(answer);
  stdio[3].end();
});
