import type { Session } from './client';
import { bytesText, card, h, save } from './dom';
import type { Variant } from './messages';
import { snippetFor } from './snippet';

// The network as files, and the lines that run it.

export function take(session: Session, name: string, variant: Variant): HTMLElement {
  const base = name.replace(/[^\w.-]+/g, '-') || 'network';
  const file = `${base}.klet`;
  const text = snippetFor(variant.meta, file);
  const status = h('p', { role: 'status', class: 'soft' });
  const button = (label: string, work: () => Promise<void>): HTMLElement =>
    h('button', {
      class: 'button',
      type: 'button',
      click: () => {
        work().then(() => {
          status.textContent = '';
        }, (error: Error) => {
          status.textContent = error.message;
        });
      },
    }, label);
  const copy = h('button', { class: 'button small', type: 'button' }, 'Copy');
  copy.addEventListener('click', () => {
    void navigator.clipboard.writeText(text).then(() => {
      copy.textContent = 'Copied';
    });
  });
  return card(
    'take',
    'Take it along',
    h(
      'div',
      { class: 'actions' },
      h('button', {
        class: 'button main',
        type: 'button',
        id: 'download',
        click: () => save(file, variant.klet),
      }, `Download ${file}, ${bytesText(variant.klet.length)}`),
      button('C for a board', async () => {
        const { c } = await session.call('toC', [variant.klet]);
        for (const [part, content] of Object.entries(c)) save(part, content);
      }),
      button('One script', async () => {
        const script = await session.call('toScript', [variant.klet]);
        save(`${base}.js`, script.code);
      }),
    ),
    status,
    h('div', { class: 'code' }, copy, h('pre', { tabindex: 0 }, h('code', {}, text))),
  );
}
