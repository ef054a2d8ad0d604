package io.turnstile.bpf;

/**
 * What the kernel says of a map ({@code struct bpf_map_info}).
 *
 * @param id the map's number, by which tools such as bpftool know it; no other map gets it while this one is there
 */
public record MapInfo(int type, int id, int keyBytes, int valueBytes, int maxEntries, int flags) {}
