package io.turnstile.bridge;

import java.util.Set;

/** How far {@code --enable-dummy} goes: which interfaces are dummies, devices in memory. */
public enum DummyLevel {
    /** No dummy devices. */
    NONE,
    /** {@code dummy} interfaces may be made. */
    ALLOWED,
    /** Interfaces of type {@code system} are dummies too. */
    OVERRIDE_SYSTEM,
    /** All devices are dummies. */
    OVERRIDE_ALL;

    /**
     * Offload providers that are used only where {@code other_config:hw-offload-priority} names them: the one that
     * takes every connection and carries none is for trying things out.
     */
    public Set<String> providersOnlyIfNamed() {
        return this == NONE ? Set.of("dummy") : Set.of();
    }
}
