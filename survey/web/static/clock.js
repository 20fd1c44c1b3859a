// Measures how long a question has been visible, without the time when the page was hidden.

export class Clock {
  constructor() {
    this.before = 0;
    this.since = null;
    document.addEventListener("visibilitychange", () => this.turn());
  }

  start() {
    this.before = 0;
    this.since = document.hidden ? null : performance.now();
    this.running = true;
  }

  turn() {
    if (!this.running) return;
    this.before = this.elapsed();
    this.since = document.hidden ? null : performance.now();
  }

  /** Whole milliseconds since the start. */
  elapsed() {
    const current = this.since === null ? 0 : performance.now() - this.since;
    return Math.round(this.before + current);
  }
}
