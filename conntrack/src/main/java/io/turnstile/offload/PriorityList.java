package io.turnstile.offload;

import java.util.List;

/** Placeholder until merged. */
record PriorityList(List<String> names, boolean stops) {
    boolean admits(String provider) {
        return !stops || names.contains(provider);
    }
}
