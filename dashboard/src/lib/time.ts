/** Times as people read them, in their own zone. */

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const minute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const minuteOfThisYear = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
});
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });

export function formatTime(rfc3339: string): string {
  return moment.format(new Date(rfc3339));
}

/** To the minute, where there is little room: without the year, where it is this one. */
export function formatMinute(rfc3339: string): string {
  const time = new Date(rfc3339);
  return (time.getFullYear() === new Date().getFullYear() ? minuteOfThisYear : minute).format(time);
}

export function formatClock(rfc3339: string): string {
  return clock.format(new Date(rfc3339));
}

/** A UTC day, "2026-11-22". */
export function formatDay(date: string): string {
  return day.format(new Date(`${date}T00:00:00Z`));
}

/** "just now", "8 s", "3 min", "2 h", "4 d". */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 2) return 'just now';
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3_600) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** "8 s", "3 min", "2 h". */
export function formatSeconds(seconds: number): string {
  return seconds < 2 ? `${Math.max(0, seconds)} s` : formatAge(seconds * 1_000);
}
