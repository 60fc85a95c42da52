import { FAULT_ATTRIBUTE, FILL_BYTES, FILL_COUNT, FILL_ELEMENT_BYTES, FILL_TARGET, FILL_VALUE } from '../layout';
import { fill_elements } from '../kernels/copy';
import { toF64, checkCounts, checkRecord, fail, int, parallel, target } from '../record';
import { share, shareFrom, shareTo } from '../threads';

const ANY_DTYPE = -1;

export function describeFill(r: usize): void {
  checkRecord(r, FILL_BYTES, ANY_DTYPE);
  checkCounts(r, FILL_COUNT, 1);
  const bytes = int(r, FILL_ELEMENT_BYTES);
  if (bytes != 1 && bytes != 4) fail(FAULT_ATTRIBUTE);
  target(r, FILL_TARGET, toF64(r, FILL_COUNT) * <f64>bytes, bytes == 4 ? 4 : 1);
  parallel(r, toF64(r, FILL_COUNT));
}

export function runFill(r: usize): void {
  share(int(r, FILL_COUNT), 64);
  const bytes = int(r, FILL_ELEMENT_BYTES);
  fill_elements(int(r, FILL_TARGET) + shareFrom * bytes, shareTo - shareFrom, bytes, int(r, FILL_VALUE));
}
