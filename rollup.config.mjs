import { readFileSync } from 'node:fs';
import { resolve as resolvePath } from 'node:path';
import commonjs from '@rollup/plugin-commonjs';
import resolve from '@rollup/plugin-node-resolve';
import terser from '@rollup/plugin-terser';
import dts from 'rollup-plugin-dts';
import esbuild from 'rollup-plugin-esbuild';
import { minify } from 'terser';
import { ownLayout, withoutExtra } from './src/build/chunks.mjs';
import { licenses } from './src/build/licenses.mjs';
import { minifyForGzip } from './src/build/names.mjs';
import { cText } from './src/build/text.mjs';
import { tinyPlugins } from './src/build/tiny.mjs';

const { dependencies, version } = JSON.parse(readFileSync('package.json', 'utf8'));
const external = [...Object.keys(dependencies).map((name) => new RegExp(`^${name}(/|$)`)), /^node:/];
const code = esbuild({ target: 'es2022', define: { __VERSION__: JSON.stringify(version) } });

/**
 * Parts of the loader that the core does not need, because it passes numbers only: a TextDecoder
 * made on import, which worklets do not have, and functions for strings, arrays and typed arrays.
 * The loader also adds Object.hasOwn, which every engine of ES2022 has.
 */
const loaderParts = [['new TextDecoder("utf-16le", { fatal: true })',
  '{ decode: (units) => String.fromCharCode(...units) }'], [
  /Object\.hasOwn = Object\.hasOwn \|\| function\(obj, prop\) \{[^}]*\};/,
  '',
], [/(const exports = instance\.exports;)[^]*?(return demangle\(exports, extendedExports\);)/, '$1 $2']];
const smallLoader = {
  name: 'small-loader',
  transform(source, id) {
    if (!id.includes('@assemblyscript/loader')) return null;
    const code = loaderParts.reduce((text, [part, replacement]) => {
      const changed = text.replace(part, replacement);
      if (changed === text) this.error(`the loader no longer has the part ${part}`);
      return changed;
    }, source);
    return { code, map: null };
  },
};

/** The cores and the extra module as files, for callers that pass them as `wasm` and `extra`. */
const coresApart = {
  name: 'cores-apart',
  generateBundle() {
    const flavors = ['relaxed', 'simd', 'scalar', 'relaxed.threads', 'simd.threads', 'scalar.threads'];
    for (const name of [...flavors.map((flavor) => `core.${flavor}`), 'extra', 'extra.threads', 'extra.simd',
      'extra.simd.threads'])
    {
      this.emitFile({ type: 'asset', fileName: `${name}.wasm`, source: readFileSync(`build/${name}.wasm`) });
      // the module that bundlers and workerd generate for `import core from
      // 'kinglet/core.simd.wasm'`
      this.emitFile({
        type: 'asset',
        fileName: `${name}.d.wasm.ts`,
        source: 'declare const module: WebAssembly.Module;\nexport default module;\n',
      });
    }
  },
};

const plugins = [resolve(), smallLoader, code];
/**
 * With this comment, Chromium compiles all functions on another thread while it fetches the file,
 * instead of compiling each function at its first call.
 */
const compileHint = {
  name: 'compile-hint',
  renderChunk: (code) => ({ code: `//# allFunctionsCalledOnLoad\n${code}`, map: null }),
};

const minified = [resolve(), smallLoader, esbuild({ target: 'es2022' }),
  terser({ ecma: 2022, compress: { passes: 3 } })];
/** Gives the same source name the same short name everywhere, which compresses better. */
const namedForGzip = {
  name: 'named-for-gzip',
  renderChunk: async (code) => ({
    code: await minifyForGzip(code, { module: true, ecma: 2022, compress: { passes: 3 } }),
    map: null,
  }),
};
const device = [resolve(), smallLoader, esbuild({ target: 'es2022' }), namedForGzip, compileHint];

/**
 * The script of Node's workers is in dist/, but the code that refers to it may be bundled into a
 * subfolder of dist/.
 */
const threadScriptOfNode = {
  name: 'thread-script-of-node',
  renderChunk: (code, { fileName }) =>
    fileName.includes('/')
      ? { code: code.replace(/new URL\((["'])\.\/thread\.node\.js\1/, 'new URL($1../thread.node.js$1'), map: null }
      : null,
};

/**
 * The pages with results and the library of their charts: a chunk of its own, minified, that
 * commands load only to write a report. The library is in it because its package is a hundred times
 * as large.
 */
const REPORT = 'chunks/report.js';
const minifiedReport = {
  name: 'minified-report',
  // the package says so, but the resolver of the esbuild plugin does not read it
  transform: (_, id) => (/\/node_modules\/(echarts|zrender)\//.test(id) ? { moduleSideEffects: false } : null),
  async renderChunk(source, { fileName }) {
    if (fileName !== REPORT) return null;
    const licences = '/*! Apache ECharts, (c) The Apache Software Foundation, Apache-2.0. '
      + 'ZRender, (c) Baidu Inc., BSD-3-Clause. */\n';
    return { code: licences + (await minify(source, { module: true, ecma: 2022 })).code, map: null };
  },
};
const isReport = (id) => /\/src\/cli\/report\/|\/node_modules\/(echarts|zrender)\//.test(id);

/**
 * The entries for programs of other libraries, without the runtime, which they import from the
 * bundle beside them. So a page that also imports kinglet has one runtime.
 */
const besideRuntime = (kind, runtime) => ({
  name: 'beside-runtime',
  resolveId(source, importer) {
    if (!importer) return null;
    if (source === './platform') {
      return this.resolve(kind === 'plain' ? './platform.plain' : './platform.browser', importer);
    }
    const beside = { '../browser': runtime, '../plain': 'js.js', '../plainExtra': 'js.extra.js' }[source];
    return beside ? { id: `./${beside}`, external: 'relative' } : null;
  },
});

/** kinglet/tasks/sound imports kinglet/audio, so that a page that uses both has it once. */
const besideAudio = {
  name: 'beside-audio',
  resolveId: (source, importer) =>
    /\/src\/tasks\/sound\//.test(importer) && /\/audio\/index$/.test(source)
      ? { id: './audio.js', external: 'relative' }
      : null,
};

/** kinglet/tasks in pages, which decode images themselves. */
const pageFiles = {
  name: 'page-files',
  resolveId(source, importer) {
    return source === './files' && /\/src\/tasks\//.test(importer ?? '')
      ? this.resolve('./files.page', importer)
      : null;
  },
};

const threadTypes = {
  name: 'thread-types',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: 'thread.d.ts', source: 'export {};\n' });
  },
};

/**
 * Warnings stop the build. Otherwise an import that does not resolve would stay in the package
 * unchanged. Packages may contain helpers of TypeScript, which test for `this` at the top level.
 */
function onwarn({ code, id, message }) {
  if (code !== 'THIS_IS_UNDEFINED' || !id?.includes('/node_modules/')) throw new Error(message);
}

/** A copy of the declarations for `require`, because TypeScript expects a .d.cts beside a .cjs. */
const commonJsTypes = {
  name: 'commonjs-types',
  generateBundle(_, bundle) {
    for (const { fileName, code } of Object.values(bundle)) {
      this.emitFile({
        type: 'asset',
        fileName: fileName.replace(/\.ts$/, '.cts'),
        source: code.replace(/(from '\.[^']*)\.js'/g, "$1.cjs'"),
      });
    }
  },
};

/** kinglet/ort, whose default export is a namespace, which the plugin cannot bundle. */
const namespaceAsDefault = {
  name: 'namespace-as-default',
  generateBundle() {
    for (const [types, module] of [['ts', 'js'], ['cts', 'cjs']]) {
      const names = `'./ort.names.${module}'`;
      this.emitFile({
        type: 'asset',
        fileName: `ort.d.${types}`,
        // the values by name too, for tools that do not follow a star
        source: `import * as ort from ${names};\nexport * from ${names};\n`
          + `export { env, InferenceSession, KletError, Tensor } from ${names};\nexport default ort;\n`,
      });
    }
  },
};

/**
 * Empty declarations of the platform types that kinglet's declarations mention. They merge with the
 * types of DOM or Node if a project has those, and replace them otherwise.
 */
const platformTypes = {
  name: 'platform-types',
  generateBundle() {
    const names = ['URL', 'Response', 'Blob', 'AbortSignal', 'Event', 'MediaStream', 'AudioContext'];
    const source = ['/// <reference lib="esnext.disposable" />', ...names.map((name) => `interface ${name} {}`),
      'interface ReadableStream<R = any> {}', 'declare namespace WebAssembly {', '  interface Module {}',
      '  interface Memory {}', '}', ''].join('\n');
    this.emitFile({ type: 'asset', fileName: 'platform.d.ts', source });
  },
};

const runtimeEntries = { index: 'src/index.ts', compiler: 'src/compiler/index.ts' };
const tasks = 'src/tasks/index.ts';
const sound = 'src/tasks/sound/index.ts';
const entries = { ...runtimeEntries, 'tasks.node': tasks, ort: 'src/ort/index.ts', tfjs: 'src/tfjs/index.ts' };

const types = dts({ compilerOptions: { stripInternal: true } });
const banner = ({ fileName }) => `/// <reference path="${fileName.includes('/') ? '..' : '.'}/platform.d.ts" />`;
/** Where the types of a source are that the entries for programs of other libraries mention. */
const typesOf = Object
  .fromEntries([['index', 'index'], ['errors', 'index'], ['compiler/index', 'compiler'], ['tasks/source', 'tasks']].map(
    ([source, entry]) => [resolvePath(`src/${source}.ts`), `./${entry}.js`]
  ));
const es = (file) => ({ file: `dist/${file}`, format: 'es' });

/**
 * The plain-JavaScript core, the checks of hashes and signatures, and the storage of files are
 * files of their own, which pages fetch only where they are needed.
 */
const rareApart = {
  name: 'rare-apart',
  resolveDynamicImport(id) {
    if (id === './js/core') return { id: './browser.plain.js', external: true };
    if (id === './runtime/trust') return { id: './browser.trust.js', external: true };
    if (id === './runtime/cache') return { id: './browser.cache.js', external: true };
    return id === './js/extra/index' ? { id: './browser.plain.extra.js', external: true } : null;
  },
};

/** An entry with the plain-JavaScript core, and beside it NAME.extra.js with the rare operators. */
const plainChunks = (name, input, extra) => ({
  input: { [name]: input, [`${name}.extra`]: extra },
  preserveEntrySignatures: 'allow-extension',
  output: { dir: 'dist', format: 'es', ...withoutExtra(name) },
  plugins: [ownLayout, resolve(), smallLoader, code, namedForGzip, compileHint],
});

const bundles = [
  // the device side: self-contained, minified
  { input: 'src/browser.ts', output: es('browser.js'), plugins: [rareApart, ...device] },
  { input: 'src/runtime/trust.ts', output: es('browser.trust.js'), plugins: minified },
  { input: 'src/runtime/cache.ts', output: es('browser.cache.js'), plugins: minified },
  plainChunks('browser.plain', 'src/js/core.ts', 'src/js/extra/index.ts'),
  plainChunks('js', 'src/plain.ts', 'src/plainExtra.ts'),
  { input: 'src/slim.ts', output: es('slim.js'), plugins: [rareApart, ...device, coresApart] },
  { input: 'src/edge.ts', output: es('edge.js'), external: /\.wasm\?module$/, plugins: device },
  { input: 'src/audio/index.ts', output: es('audio.js'), plugins: minified },
  { input: tasks, output: es('tasks.js'), plugins: [pageFiles, resolve(), code, namedForGzip] },
  { input: sound, output: es('tasks.sound.js'), plugins: [besideAudio, resolve(), code, namedForGzip] },
  {
    input: tasks,
    output: { file: 'dist/tasks.cjs', format: 'cjs', exports: 'named' },
    plugins: [pageFiles, resolve(), code, namedForGzip],
  },
  { input: 'src/audio/worklet.ts', output: es('worklet.js'), plugins: device },
  { input: 'src/learn/index.ts', output: es('learn.js'), plugins: minified },
  { input: 'src/learn/file.ts', output: es('learn.file.js'), plugins: minified },
  { input: 'src/monitor/index.ts', output: es('monitor.js'), plugins: minified },
  ...['ort', 'tfjs'].flatMap((name) =>
    [['browser', 'browser.js'], ['edge', 'edge.js'], ['plain', 'js.js'], ['browser', 'browser.cjs']]
      .map(([kind, runtime]) => {
        const isModule = runtime.endsWith('.js');
        return {
          input: `src/${name}/index.ts`,
          output: {
            file: `dist/${name}.${kind}.${isModule ? 'js' : 'cjs'}`,
            format: isModule ? 'es' : 'cjs',
            exports: 'named',
          },
          plugins: [besideRuntime(kind, runtime), ...minified],
        };
      })
  ),
  // for a script tag, and for `require` without Node
  {
    input: 'src/global.ts',
    output: { file: 'dist/kinglet.global.js', format: 'iife', name: 'kinglet' },
    // the names for gzip are those of modules, in which the variable kinglet would be renamed
    plugins: [pageFiles, ...minified, compileHint],
  },
  {
    input: 'src/tiny/index.ts',
    output: ['kinglet.tiny.js', 'tiny.cjs'].map((name) => ({ file: `dist/${name}`, format: 'iife', name: 'kinglet' })),
    plugins: [resolve(), code, ...tinyPlugins],
  },
  { input: 'src/commonjs.ts', output: { file: 'dist/browser.cjs', format: 'cjs' }, plugins: minified },
  // what workers run
  { input: 'src/thread.ts', output: es('thread.js'), plugins: [...device, threadTypes] },
  { input: 'src/thread.node.ts', output: es('thread.node.js'), external, plugins: minified },
  // the compiler for pages, with its libraries inside, because pages without a bundler cannot
  // resolve bare names
  { input: 'src/compiler/index.ts', output: es('compiler.browser.js'), plugins: [commonjs(), cText, ...minified] },
  // Node and tools: shared chunks
  {
    input: { ...entries, cli: 'src/cli/index.ts', searchWorker: 'src/cli/search/worker.ts' },
    output: {
      dir: 'dist',
      format: 'es',
      chunkFileNames: 'chunks/[name].js',
      manualChunks: (id) => (isReport(id) ? 'report' : undefined),
      onlyExplicitManualChunks: true,
      hoistTransitiveImports: false,
    },
    external,
    plugins: [cText, ...plugins, threadScriptOfNode, minifiedReport],
  },
  {
    input: {
      ...entries,
      slim: 'src/slim.ts',
      js: 'src/plain.ts',
      'js.extra': 'src/plainExtra.ts',
      audio: 'src/audio/index.ts',
      'tasks.sound': sound,
      learn: 'src/learn/index.ts',
      'learn.file': 'src/learn/file.ts',
      monitor: 'src/monitor/index.ts',
    },
    output: {
      dir: 'dist',
      format: 'cjs',
      exports: 'named',
      entryFileNames: '[name].cjs',
      chunkFileNames: 'chunks/[name].cjs',
    },
    external,
    plugins: [cText, ...plugins, threadScriptOfNode],
  },
  {
    input: {
      ...runtimeEntries,
      tasks,
      'tasks.sound': sound,
      audio: 'src/audio/index.ts',
      worklet: 'src/audio/worklet.ts',
      learn: 'src/learn/index.ts',
      'learn.file': 'src/learn/file.ts',
      monitor: 'src/monitor/index.ts',
      'js.extra': 'src/plainExtra.ts',
      tiny: 'src/tiny/index.ts',
    },
    output: { dir: 'dist', format: 'es', chunkFileNames: 'chunks/[name].d.ts', banner },
    external,
    plugins: [types, commonJsTypes, platformTypes],
  },
  {
    input: { 'ort.names': 'src/ort/exports.ts', tfjs: entries.tfjs },
    output: {
      dir: 'dist',
      format: 'es',
      chunkFileNames: 'chunks/[name].d.ts',
      banner,
      paths: (id) => typesOf[id] ?? id,
    },
    external: (id) => id in typesOf,
    plugins: [types, commonJsTypes, namespaceAsDefault],
  },
];

export default bundles.map((bundle) => ({ ...bundle, plugins: [...bundle.plugins, licenses], onwarn }));
