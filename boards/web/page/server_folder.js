// SPDX-License-Identifier: Apache-2.0
// The folder that `stapes page --serve --record` keeps clips in.

const KEY = "stapes-token"; // of this tab, so that a reload still knows it

export class ServerFolder {
  /** The folder whose token stands in this page's address; null for a page without one. */
  static ofThisPage() {
    const found = /^#token=([\w-]+)$/.exec(location.hash);
    if (found !== null) history.replaceState(null, "", "#record");
    let token = found?.[1] ?? null;
    try {
      if (token !== null) sessionStorage.setItem(KEY, token);
      token = sessionStorage.getItem(KEY);
    } catch {
      // This browser keeps nothing: the token is lost when the page is loaded again.
    }
    return token === null ? null : new ServerFolder(token);
  }

  /** @param {string} token */
  constructor(token) {
    this._headers = { Authorization: `Bearer ${token}` };
  }

  /**
   * The folder's name, or why there is none.
   *
   * @returns {Promise<{name?: string, reason?: string}>}
   */
  async greet() {
    try {
      const answer = await fetch("record", { headers: this._headers });
      const said = await answer.json();
      return answer.ok ? { name: String(said.folder) } : { reason: String(said.reason) };
    } catch (error) {
      return { reason: String(error) };
    }
  }

  /**
   * Brings a clip there; the same one again does no harm.
   *
   * @param {string} word
   * @param {string} name
   * @param {Uint8Array<ArrayBuffer>} wav
   * @returns {Promise<{reason: string, free?: number, others: boolean}>} why not, empty when the
   *     clip is there; a free number if its own is taken; whether other clips may still go through
   */
  async send(word, name, wav) {
    try {
      const path = `record/${encodeURIComponent(word)}/${encodeURIComponent(name)}`;
      const answer = await fetch(path, { method: "POST", headers: this._headers, body: wav });
      const said = await answer.json();
      return { reason: answer.ok ? "" : String(said.reason), free: said.free, others: answer.status === 400 };
    } catch (error) {
      return { reason: String(error), others: false };
    }
  }
}
