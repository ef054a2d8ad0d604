package io.turnstile.datapath;

import io.turnstile.port.Port;

/**
 * A port as the datapath has it.
 *
 * @param id identity for life: from 1, given once and never again by this datapath, while the number may later be
 *     another port's
 */
public record DatapathPort(long id, int number, Port port) {}
