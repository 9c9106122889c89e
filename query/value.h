/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_VALUE_H
#define WEIR_QUERY_VALUE_H
/*
 * One value of a filter word, such as the "443" of dport=80,443, added to an
 * AST_RANGES node (value_exporter: an AST_EXPORTERS node). Ranges are left
 * unsorted. Each returns NULL, or what is wrong with the value in words that
 * follow its quotation, such as "is no port: want ..."; the node is then
 * unchanged.
 */
struct ast;

typedef const char *value_fn(const char *text, struct ast *out);

/* IPv4 address or prefix; bits behind the prefix are ignored. All four parts
 * are wanted: "10.1" means 10.0.0.1 to some programs and 10.1.0.0 to others. */
value_fn value_ip4;

/* IPv4 or IPv6 address or prefix. */
value_fn value_exporter;

/* 0-65535, a range a:b or a-b of them, or a name of services(5), of whatever
 * protocol. */
value_fn value_port;

/* 0-255 or a protocol's name. The common ones need no protocols(5). */
value_fn value_protocol;

/*
 * The TCP flags byte: a number, or letters of CEUAPRSF in any order and case,
 * dots ignored; exactly that byte. "value/mask" takes every byte that has value
 * in the bits of mask: S/SA is SYN without ACK.
 */
value_fn value_flags;

#endif
