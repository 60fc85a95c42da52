// Posts the results of a page, or of a worker of it, to the server.
import { server } from './server.mjs';

export const post = (answers) => fetch(`${server}result`, { method: 'POST', body: JSON.stringify(answers) });
