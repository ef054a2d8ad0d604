package io.turnstile.offload.provider.ebpf;

import io.turnstile.bpf.MapDefinition;
import io.turnstile.bpf.MapFlag;
import io.turnstile.bpf.MapType;

/** What a path has carried, in an array that this process sees without asking the kernel. */
final class CounterValue {
    static final int PACKETS = 0;
    static final int BYTES = 8;
    /** CLOCK_MONOTONIC, which {@code System.nanoTime} reads as well; 0: never. */
    static final int LAST_USE_NS = 16;

    static final int SIZE_BYTES = 32;

    private CounterValue() {}

    static MapDefinition map(int paths) {
        return MapDefinition.of("ts_counters", MapType.ARRAY, Integer.BYTES, SIZE_BYTES, paths)
                .with(MapFlag.MMAPABLE);
    }
}
