import { readKlet } from '../../../src/compiler/index';
import { RECORD_SIZE } from '../../../assembly/layout';
import { mutantOf } from '../../robustness/planMutants';
import { reseal, viewOf } from '../../robustness/seal';
import { judgeModel } from '../models';
import type { Target } from '../target';

function operatorsOf(file: Uint8Array): string {
  const { plan } = readKlet(file);
  const operators: string[] = [];
  for (let at = 0; at < plan.length; at += viewOf(plan).getUint32(at + RECORD_SIZE, true)) {
    operators.push(`${plan[at]}.${plan[at + 1]}`);
  }
  return operators.join();
}

export const plans: Target = {
  name: 'plans',
  about: 'plans of a few records of every operator, whose fields are bent to boundary values',
  // the records of valid files are chosen by the generator
  seeds: () => [],
  make(random) {
    for (;;) {
      const mutant = mutantOf(random.int(0, 0xffffffff));
      if (mutant) return { base: mutant.straight, bytes: mutant.file };
    }
  },
  mend: reseal,
  run(bytes) {
    return judgeModel(bytes) ?? `runs ${operatorsOf(bytes)}`;
  },
};
