/** The files of the float network, in the format of models/training/floatNetwork.mjs. */
import { fileURLToPath } from 'node:url';

/** Path of the network's files, without the extensions .json and .bin. */
export const FLOAT_NETWORK = fileURLToPath(new URL('gestures.float', import.meta.url));
