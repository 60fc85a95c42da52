// The probe for engines that have no modules. kinglet/tiny runs before it, and `models`,
// `milliseconds` and the functions of measure.mjs stand around it.
/* global kinglet, models, milliseconds, bytesOf, measure */
var say = typeof print === 'function' ? print : console.log;
function product(a, b) {
  return a * b;
}
var results = models.map(function(entry) {
  var model = kinglet.load(bytesOf(entry.pieces));
  var goldens = model.selfTest();
  var measured = measure(model.predict, model.inputs[0].shape.reduce(product), Date.now, milliseconds);
  return { name: entry.name, goldens: goldens, hash: measured.hash, ms: measured.ms };
});
say(JSON.stringify({ tiny: { flavor: 'tiny', results: results } }));
