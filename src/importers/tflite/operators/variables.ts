import type { Mappings } from '../operator';

/**
 * ASSIGN_VARIABLE, VAR_HANDLE and CALL_ONCE become states of the graph before these mappings run.
 */
export const variables: Mappings = {
  READ_VARIABLE(operator) {
    operator.emit('reshape', [operator.variable], {});
  },
};
