/** Users and assets, as far as the log tells of them. */
import type { Heads, UserHead } from './heads.ts';
import type { DirectoryChange } from './range-summary.ts';

export function addToDirectory(heads: Heads, change: DirectoryChange): void {
  const { position } = change;
  switch (change.type) {
    case 'user.registered':
      return setUser(heads, change.data.userId, {
        status: 'ACTIVE',
        createdAt: change.occurredAt,
        position,
        erasedPosition: null,
      });
    case 'user.status_changed': {
      const { userId, status, createdAt } = change.data;
      return setUser(heads, userId, { status, createdAt, position, erasedPosition: null });
    }
    case 'user.erased': {
      const { userId, createdAt } = change.data;
      return setUser(heads, userId, { status: 'ERASED', createdAt, position, erasedPosition: position });
    }
    case 'asset.created':
    case 'asset.limits_changed':
    case 'asset.status_changed': {
      const { assetId: id, slug, name, scale, supplyCap } = change.data;
      const status = change.type === 'asset.created' ? 'ACTIVE' : change.data.status;
      const first = heads.assets.get(slug)?.position ?? position;
      heads.assets.set(slug, { id, slug, name, scale, supplyCap, status, position: first });
    }
  }
}

/** Where a user first appeared stays, and so does that a user was erased. */
function setUser(heads: Heads, userId: string, head: UserHead): void {
  const { position, erasedPosition } = heads.users.get(userId) ?? head;
  heads.users.set(userId, { ...head, position, erasedPosition: erasedPosition ?? head.erasedPosition });
}
