import { KletError } from '../../errors';

/** A form of an operator that the graph cannot express, such as a mode or a fused activation. */
export class UnsupportedForm extends Error {}

/** A tensor whose element type or quantization the graph cannot express. */
export class UnsupportedTensor extends Error {}

/**
 * Everything in a file that kinglet does not support. An importer collects it until the end, so
 * that one error lists it all.
 */
export class UnsupportedList {
  private readonly operators = new Map<string, string[]>();
  private readonly tensors = new Set<string>();

  /** @param supportedTypes of tensors in this format, for the advice in the error */
  constructor(private readonly supportedTypes: string) {}

  /**
   * Adds an operator. Operators are added from the last of the file to the first and listed from
   * the first to the last.
   *
   * @param label - Its kind, with the form that is unsupported if others are supported.
   * @param name - Its first output.
   */
  addOperator(label: string, name: string): void {
    this.operators.set(label, [name, ...(this.operators.get(label) ?? [])]);
  }

  /**
   * The result of `attempt`, or undefined if it found an unsupported tensor, which is then listed.
   */
  collect<T>(attempt: () => T): T | undefined {
    try {
      return attempt();
    } catch (error) {
      if (!(error instanceof UnsupportedTensor)) throw error;
      this.tensors.add(error.message);
      return undefined;
    }
  }

  /**
   * Maps an operator to nodes. If a form or a tensor of it is unsupported, it is listed instead.
   *
   * @returns whether everything is supported
   */
  collectOperator(label: string, name: string, map: () => void): boolean {
    try {
      return this.collect(() => {
        map();
        return true;
      }) ?? false;
    } catch (error) {
      if (!(error instanceof UnsupportedForm)) throw error;
      this.addOperator(`${label} with ${error.message}`, name);
      return false;
    }
  }

  /**
   * @param adviceFor - What to do about the operators with these labels.
   * @param ends - Values at which the network could end instead.
   * @throws {KletError} `UNSUPPORTED_OP` or `UNSUPPORTED_TYPE`, if anything is listed
   */
  report(adviceFor: (labels: readonly string[]) => string, ends: readonly string[] = []): void {
    const tensors = [...this.tensors].map((tensor) => `  tensor ${tensor}`);
    const operators = [...this.operators].reverse().map(([label, names]) =>
      `  ${label} (${names.length}): ${names.map((n) => `"${n}"`).join(', ')}`
    );
    if (operators.length > 0) {
      const names = ends.map((name) => ` --outputs ${JSON.stringify(name)}`).join('');
      const cut = ends.length > 0 ? [`  the network can end before them with${names}`] : [];
      throw new KletError(
        'UNSUPPORTED_OP',
        [`the network has operators that kinglet lacks: ${adviceFor([...this.operators.keys()])}`, ...operators,
          ...tensors, ...cut].join('\n'),
      );
    }
    if (tensors.length > 0) {
      throw new KletError(
        'UNSUPPORTED_TYPE',
        [`the network has tensors of unsupported types; use ${this.supportedTypes}`, ...tensors].join('\n'),
      );
    }
  }
}
