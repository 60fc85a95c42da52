/** The text of a C file. */
declare module '*.c' {
  const text: string;
  export default text;
}
