/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_HTML_ASSET_H
#define WEIR_REPORT_HTML_ASSET_H
/*
 * The files of this folder, as embed.awk puts them into the program: NAME.EXT
 * is asset_NAME_EXT, and its SHA-256 in base64, which a page's security policy
 * names, asset_NAME_EXT_hash.
 */

extern const char asset_page_css[], asset_page_css_hash[];
extern const char asset_serve_css[], asset_serve_css_hash[];
extern const char asset_graph_css[], asset_graph_css_hash[];
extern const char asset_sort_js[], asset_sort_js_hash[];

#endif
