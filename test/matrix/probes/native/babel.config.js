// Helpers are in the bundle, because the app has no @babel/runtime.
module.exports = { presets: [[`${process.env.PACKAGES}/@react-native/babel-preset`, { enableBabelRuntime: false }]] };
