/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The keyed hash of the tables: multilinear over 32-bit words with a 64-bit secret each (Lemire and Kaser,
 * "Strongly universal string hashing is fast"). For keys chosen without seeing its output, any two meet in a
 * bucket with probability 1/buckets; the secret is drawn when the maps are made and never leaves the machine,
 * so nobody outside can aim at one bucket.
 */
#ifndef DW_HASH_H
#define DW_HASH_H

#include "mem.h"

typedef __u32 __attribute__((may_alias)) dw_word;
typedef __u64 __attribute__((may_alias)) dw_long;

/* Where a key may live: its own bucket, another one as a guest, and the way that it has there if nobody else has. */
struct dw_home {
	__u32 bucket[2];
	__u32 tag; /* 16 bits, even: what is odd is a guest's */
	__u32 way;
};

/* Of a key of ten words: struct dw_flow_key, struct dw_fragment_key. */
DW_INLINE __u64 dw_hash(const struct dw_flow_key *key)
{
	const dw_word *word = (const dw_word *)key;
	__u64 sum = DW_SETTING(secret[10]);

	for (int i = 0; i < 10; i += 2)
		sum += (word[i] + DW_SETTING(secret[i])) * (word[i + 1] + DW_SETTING(secret[i + 1]));
	return sum;
}

/* Of three 64-bit values, with the same guarantee. */
DW_INLINE __u64 dw_hash3(__u64 a, __u64 b, __u64 c)
{
	__u64 sum = DW_SETTING(secret[10]);

	sum += ((__u32)a + DW_SETTING(secret[0])) * ((a >> 32) + DW_SETTING(secret[1]));
	sum += ((__u32)b + DW_SETTING(secret[2])) * ((b >> 32) + DW_SETTING(secret[3]));
	return sum + ((__u32)c + DW_SETTING(secret[4])) * ((c >> 32) + DW_SETTING(secret[5]));
}

/* The same under other words of the secret. */
DW_INLINE __u64 dw_hash3_other(__u64 a, __u64 b, __u64 c)
{
	__u64 sum = DW_SETTING(secret[4]);

	sum += ((__u32)a + DW_SETTING(secret[5])) * ((a >> 32) + DW_SETTING(secret[6]));
	sum += ((__u32)b + DW_SETTING(secret[7])) * ((b >> 32) + DW_SETTING(secret[8]));
	return sum + ((__u32)c + DW_SETTING(secret[9])) * ((c >> 32) + DW_SETTING(secret[10]));
}

/* A permutation of 32-bit words (the finaliser of MurmurHash3, by Austin Appleby): it keeps the hash's bound and
 * breaks its one habit, that keys in arithmetic progression give hashes in arithmetic progression. */
DW_INLINE __u32 dw_scatter(__u32 x)
{
	x = (x ^ x >> 16) * 0x85ebca6bu;
	x = (x ^ x >> 13) * 0xc2b2ae35u;
	return x ^ x >> 16;
}

/* A number for an index: the bits that the theorem speaks of, scattered. */
DW_INLINE __u32 dw_hash_top(__u64 hash)
{
	return dw_scatter(hash >> 32);
}

/* The other bucket of whoever has this tag in this one: the slot's word alone tells, for guests and for hosts. */
DW_INLINE __u32 dw_other_bucket(__u32 bucket, __u32 tag, __u32 mask)
{
	return bucket ^ ((dw_scatter(tag >> 1) | 1) & mask);
}

/* In a table of `mask` + 1 buckets. */
DW_INLINE struct dw_home dw_home_of(const struct dw_flow_key *key, __u32 mask)
{
	__u64 hash = dw_hash(key);
	__u32 top = dw_hash_top(hash);
	struct dw_home home;

	home.tag = top >> 16 & 0xfffe;
	home.way = hash >> 29 & (DW_WAYS - 1);
	home.bucket[0] = top & mask;
	home.bucket[1] = dw_other_bucket(home.bucket[0], home.tag, mask);
	return home;
}

DW_INLINE int dw_keys_equal(const struct dw_flow_key *a, const struct dw_flow_key *b)
{
	const dw_long *x = (const dw_long *)a, *y = (const dw_long *)b;
	__u64 difference = 0;

	for (int i = 0; i < 5; i++)
		difference |= DW_READ(x[i]) ^ y[i];
	return !difference;
}

DW_INLINE void dw_key_write(struct dw_flow_key *to, const struct dw_flow_key *key)
{
	dw_long *x = (dw_long *)to;
	const dw_long *y = (const dw_long *)key;

	for (int i = 0; i < 5; i++)
		DW_WRITE(x[i], y[i]);
}

#endif
