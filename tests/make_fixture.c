/* make_fixture FILE.h5: write a shard with masks and print what a reader of it should find, a line
 * a record. */
#include <stdio.h>

#include "base/crc.h"
#include "base/memory.h"
#include "data_fixture.h"

int main(int argc, char **argv)
{
	const struct fixture f = { .shards = 4, .per_shard = 11, .masks = 1 };
	char err[ERR_MAX];
	uint8_t *bytes = NULL;
	size_t capacity = 0;
	struct shard *s;

	CHECK(argc == 2, "usage: make_fixture FILE.h5");
	fixture_shard(argv[1], &f, 1);
	s = shard_open(argv[1], err);
	CHECK(s, "%s", err);
	for (uint32_t i = 0; i < shard_count(s); i++) {
		const int32_t *labels;
		int n = shard_labels(s, i, &labels), w, h;
		float foreground;
		long k = shard_read(s, i, &bytes, &capacity, err);

		shard_size(s, i, &w, &h);
		printf("%s %s %d %d %ld %08x", shard_key(s, i), n ? shard_class(s, labels[0]) : "-",
			w, h, k, crc32c(0, bytes, (size_t)k));
		k = shard_read_mask(s, i, &bytes, &capacity, &foreground, err);
		printf(" %ld %08x %.6f\n", k, crc32c(0, bytes, (size_t)k), foreground);
	}
	xfree(bytes);
	shard_close(s);
	return 0;
}
