import type { Trial } from '../../compiler/index';
import { dataTable, figure, html, plot, reportPage, type Point, type Section } from '../report/index';
import { recipeText } from '../recipe';
import { bytesText, digits, msText, plural } from '../text';
import { version } from '../version';
import { budgetText } from './budget';
import type { CommandOutcome } from './commandText';
import { heldOutText, lossText, qualityText, qualityTitle, trialsText, type Candidate,
  type SearchOutcome } from './text';

// Results of a search as pages.

const right = 'right' as const;

export function searchPage(outcome: SearchOutcome): string {
  const { input, search, best, front, report, repeat } = outcome;
  const { qualityName: name, study } = search;
  const held = report?.evaluation?.second.metrics[name as 'accuracy'];
  return reportPage({
    title: `${input}: search`,
    subtitle: `${plural(study.trials.length, 'trial')}, ${budgetText(search.budget)}, kinglet ${version}`,
    highlights: best
      ? [{ name: 'size', value: bytesText(best.values.bytes) }, {
        name: `${qualityTitle(name)}, to choose`,
        value: qualityText(name, best.values.quality),
      }, ...(held ? [{ name: `${qualityTitle(name)}, held out`, value: qualityText(name, held.value) }] : []), {
        name: 'time',
        value: msText(best.ms),
      }]
      : [{ name: 'within the budget', value: 'nothing', tone: 'bad' }],
    sections: [paretoSection(outcome), frontSection(outcome, front), ...(report ? [heldOutSection(outcome)] : []), {
      title: 'Trials',
      body: [`${trialsText(study.trials)}. ${OPTIMISTIC}`, trialsTable(outcome)],
    }, ...(repeat === undefined ? [] : [{ title: 'Again', body: [html`<pre>${repeat}</pre>`] }])],
  });
}

const OPTIMISTIC =
  'The best of many networks on the same examples looks better than it is, so the held-out examples count.';

function paretoSection({ search, front, best }: SearchOutcome): Section {
  const { qualityName: name, study, budget } = search;
  const scale = name === 'sqnr' || search.original.quality! > 1 ? 1 : 100;
  const pointOf = (trial: Trial): Point => ({
    x: trial.values!.bytes! / 1000,
    y: scale * trial.values!.quality!,
    note: `trial ${trial.number}: ${bytesText(trial.values!.bytes!)}, ${qualityText(name, trial.values!.quality)}; ${
      recipeText(search.recipeOf(trial.parameters))
    }`,
  });
  const evaluated = study.trials.filter(({ values }) => values?.quality !== undefined);
  const onFront = front.map(({ trial }) => pointOf(trial)).sort((a, b) => a.x - b.x);
  const ys = evaluated.map((trial) => pointOf(trial).y);
  const limit = budget.bytes === undefined || ys.length === 0
    ? []
    : [{
      name: 'limit of the size',
      kind: 'dashed' as const,
      tone: 'bad' as const,
      points: [Math.min(...ys), Math.max(...ys)].map((y) => ({ x: budget.bytes! / 1000, y })),
    }];
  const chart = plot({
    title: `${qualityTitle(name)} and size of the trials`,
    x: { name: 'size in kB' },
    y: { name: unitTitle(name, scale) },
    series: [{ name: 'trials', kind: 'points', tone: 'quiet', points: evaluated.map(pointOf) }, {
      name: 'Pareto front',
      kind: 'steps',
      tone: 'plain',
      points: onFront,
    }, ...(best
      ? [{ name: 'best', kind: 'points' as const, tone: 'good' as const, points: [pointOf(best.trial)] }]
      : []), ...limit],
  });
  const caption =
    'Each point is a network that was compiled and evaluated. No other is better and smaller than those on '
    + 'the line.';
  return { title: 'Quality and size', body: [figure(caption, chart)] };
}

function unitTitle(name: SearchOutcome['search']['qualityName'], scale: number): string {
  if (name === 'sqnr') return 'SQNR in dB';
  return scale === 100 ? `${qualityTitle(name)} in %` : qualityTitle(name);
}

function frontSection({ search: { qualityName: name }, best }: SearchOutcome, front: readonly Candidate[]): Section {
  const heads = ['trial', 'size', qualityTitle(name), 'lost', 'time'].map((head) => ({ head, align: right }));
  const rows = front.map((
    { trial, values, ms, recipe },
  ) => [{ text: String(trial.number), value: trial.number, ...(trial === best?.trial && { tone: 'good' as const }) }, {
    text: bytesText(values.bytes),
    value: values.bytes,
  }, { text: qualityText(name, values.quality), value: values.quality ?? 0 }, {
    text: lossText(name, values.loss),
    value: values.loss ?? 0,
  }, { text: msText(ms), value: ms }, {
    text: html`<code>${recipeText(recipe)}</code>`,
    hint: JSON.stringify(recipe),
  }]);
  return {
    title: 'The Pareto front',
    body: ['Times were measured after the search in turns, with nothing else running.',
      dataTable([...heads, { head: 'recipe' }], rows)],
  };
}

function heldOutSection({ report, search }: SearchOutcome): Section {
  return { title: 'Held out', body: [html`<pre>${heldOutText(report!, search.qualityName, search.budget)}</pre>`] };
}

function trialsTable({ search }: SearchOutcome) {
  const { qualityName: name, study } = search;
  const heads = ['trial', 'size', qualityTitle(name), 'lost'].map((head) => ({ head, align: right }));
  return dataTable(
    [...heads, { head: 'recipe' }],
    study.trials.map((
      { number, values, failure, parameters },
    ) => [{ text: String(number), value: number },
      values ? { text: bytesText(values.bytes!), value: values.bytes! } : '',
      values?.quality === undefined ? '' : { text: qualityText(name, values.quality), value: values.quality },
      values?.loss === undefined ? '' : { text: lossText(name, values.loss), value: values.loss }, {
      text: html`<code>${failure ?? recipeText(search.recipeOf(parameters))}</code>`,
    }]),
  );
}

/** The page of a search with a command. */
export function commandPage({ command, measures, study, front }: CommandOutcome): string {
  const goals = Object.entries(measures).filter(([, { goal }]) => goal).map(([name]) => name);
  const [x, y] = [goals[1] ?? 'trial', goals[0]!];
  const pointOf = (trial: Trial): Point => ({
    x: x === 'trial' ? trial.number : trial.values![x]!,
    y: trial.values![y]!,
    note: `trial ${trial.number}: ${JSON.stringify(trial.parameters)}`,
  });
  const done = study.trials.filter(({ values }) => values);
  const names = [...new Set(done.flatMap(({ parameters }) => Object.keys(parameters)))];
  const columns = ['trial', ...Object.keys(measures), ...names].map((head) => ({ head, align: right }));
  const rowsOf = (trials: readonly Trial[]) =>
    trials.map((
      { number, values, parameters },
    ) => [{ text: String(number), value: number }, ...Object.keys(measures).map((name) => values?.[name]),
      ...names.map((name) => {
        const value = parameters[name];
        if (typeof value === 'number') return { text: digits(value), value };
        return value === undefined ? '' : String(value);
      })]
    );
  return reportPage({
    title: 'Search of hyperparameters',
    subtitle: `${command}, ${plural(study.trials.length, 'trial')}, kinglet ${version}`,
    sections: [{
      title: 'Trials',
      body: [
        figure(
          'Each point is a trial.',
          plot({
            title: `${y} of the trials`,
            x: { name: x },
            y: { name: y },
            series: [{ name: 'trials', kind: 'points', tone: 'quiet', points: done.map(pointOf) }, {
              name: 'not beaten',
              kind: 'points',
              tone: 'good',
              points: front.map(pointOf),
            }],
          }),
        ),
      ],
    }, { title: 'Not beaten', body: [dataTable(columns, rowsOf(front))] }, {
      title: 'All trials',
      body: [dataTable(columns, rowsOf(done))],
    }],
  });
}
