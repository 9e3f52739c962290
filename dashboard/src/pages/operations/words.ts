/** Names of the service as people read them. */
import type { Projection, Rebuild } from '../../api/types.ts';
import type { BadgeLook } from '../../components/badge.tsx';

/** "wallet_balances" is "Wallet balances". */
export function titleOf(name: string): string {
  const words = name === 'topup' ? 'top up' : name.replaceAll(/[_.-]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function lookOfProjection(state: Projection['state']): readonly [BadgeLook, string] {
  switch (state) {
    case 'live':
      return ['good', 'Live'];
    case 'catching_up':
      return ['warn', 'Catching up'];
    case 'failed':
      return ['bad', 'Failed'];
    case 'outdated':
      return ['warn', 'Outdated'];
  }
}

export function lookOfRebuild(state: Rebuild['state']): readonly [BadgeLook, string] {
  switch (state) {
    case 'waiting':
      return ['plain', 'Waiting'];
    case 'filling':
      return ['warn', 'Filling'];
    case 'catching_up':
      return ['warn', 'Catching up'];
    case 'comparing':
      return ['warn', 'Comparing'];
    case 'done':
      return ['good', 'Done'];
    case 'failed':
      return ['bad', 'Failed'];
  }
}
