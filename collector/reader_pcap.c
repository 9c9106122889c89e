/* SPDX-License-Identifier: ISC */
/* pcap and pcapng captures. The only file that calls libpcap's functions; what
 * is inside a frame is frame.c's business. */
#include <pcap/pcap.h>
#include <stdlib.h>

#include "collector/frame.h"
#include "collector/reader_format.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"

struct pcap_state {
	pcap_t *pcap;
	int link_type;
	const char *name;
};

static int
pcap_reader_open(void **state, FILE *f, const char *name, struct err *err)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	struct pcap_state *s;
	pcap_t *pcap = pcap_fopen_offline(f, why);
	int link_type;

	if (pcap == NULL) {
		reader_fclose(f);
		return err_set(err, ERR_CORRUPT, "%s: %s", name, why);
	}
	link_type = pcap_datalink(pcap);
	if (frame_link_name(link_type) == NULL) {
		const char *link = pcap_datalink_val_to_name(link_type);

		err_set(err, ERR_USAGE, "%s: link type %d (%s); known are %s",
		    name, link_type, link != NULL ? link : "no name",
		    FRAME_LINK_NAMES);
		pcap_close(pcap);
		return ERR_USAGE;
	}
	s = xcalloc(1, sizeof *s);
	*s = (struct pcap_state){pcap, link_type, name};
	*state = s;
	return 0;
}

/* After -1 of pcap_next_ex: the disk failed, or the capture is damaged. */
static int
read_error(struct pcap_state *s, struct err *err)
{
	FILE *f = pcap_file(s->pcap);

	return err_set(err, f != NULL && ferror(f) ? ERR_SYSTEM : ERR_CORRUPT,
	    "%s: %s", s->name, pcap_geterr(s->pcap));
}

static int
pcap_reader_next(void *state, struct datagram *d, struct reader_skips *skips,
    struct err *err)
{
	struct pcap_state *s = state;
	struct pcap_pkthdr *h;
	const u_char *frame;
	int rc;

	while ((rc = pcap_next_ex(s->pcap, &h, &frame)) == 1) {
		switch (frame_udp(s->link_type, frame, h->caplen, d)) {
		case FRAME_UDP:
			d->received_ms = (int64_t)h->ts.tv_sec * MS_PER_S +
					 h->ts.tv_usec / 1000;
			return 1;
		case FRAME_NOT_UDP: skips->not_udp++; break;
		case FRAME_FRAGMENT: skips->fragments++; break;
		case FRAME_CUT: skips->cut++; break;
		}
	}
	return rc == PCAP_ERROR_BREAK ? 0 : read_error(s, err);
}

static void
pcap_reader_close(void *state)
{
	struct pcap_state *s = state;

	pcap_close(s->pcap); /* closes the file, unless it is stdin */
	free(s);
}

const struct reader_format reader_pcap = {
    .open = pcap_reader_open,
    .next = pcap_reader_next,
    .close = pcap_reader_close,
};
