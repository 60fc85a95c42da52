// The part of React Native's configuration that matters here: its condition of "exports".
const path = require('node:path');

const runtime = path.join(process.env.PACKAGES, 'metro-runtime');

module.exports = {
  projectRoot: __dirname,
  watchFolders: [path.join(__dirname, '..'), runtime],
  cacheStores: [],
  resolver: { unstable_conditionNames: ['react-native'], sourceExts: ['js', 'mjs', 'cjs', 'json'] },
  transformer: { asyncRequireModulePath: path.join(runtime, 'src/modules/asyncRequire.js') },
  serializer: { getPolyfills: () => [] },
};
