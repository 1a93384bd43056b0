// SPDX-License-Identifier: Apache-2.0
// The folder that `stapes page --serve --record` keeps clips in.

const KEY = "stapes-token"; // of this tab, so that a reload still knows it

export class ServerFolder {
  /** The folder whose token stands in this page's address; null for a page without one. */
  static ofThisPage() {
    const found = /^#token=([\w-]+)$/.exec(location.hash);
    if (found !== null) {
      sessionStorage.setItem(KEY, found[1]);
      history.replaceState(null, "", "#record");
    }
    const token = sessionStorage.getItem(KEY);
    return token === null ? null : new ServerFolder(token);
  }

  /** @param {string} token */
  constructor(token) {
    this._headers = { Authorization: `Bearer ${token}` };
  }

  /** The folder's name; empty when the server knows nothing of it. */
  async greet() {
    try {
      const answer = await fetch("record", { headers: this._headers });
      return answer.ok ? String((await answer.json()).folder) : "";
    } catch {
      return "";
    }
  }

  /**
   * Brings a clip there; the same one again does no harm.
   *
   * @param {string} word
   * @param {string} name
   * @param {Uint8Array<ArrayBuffer>} wav
   * @returns {Promise<string>} why not, empty when it is there
   */
  async send(word, name, wav) {
    try {
      const path = `record/${encodeURIComponent(word)}/${encodeURIComponent(name)}`;
      const answer = await fetch(path, { method: "POST", headers: this._headers, body: wav });
      return answer.ok ? "" : String((await answer.json()).reason);
    } catch (error) {
      return String(error);
    }
  }
}
