package io.turnstile.pipeline.flow;

/**
 * OFPT_PORT_MOD: other config bits for a port.
 *
 * @param portNumber in 32 bits
 * @param macAddress has to be the port's
 * @param config the bits of {@code mask} as they are to be
 */
public record PortMod(int portNumber, long macAddress, int config, int mask) implements SwitchChange {}
