package io.turnstile.bpf;

import java.util.regex.Pattern;

/** The rule for names of maps and programs (bpf_obj_name_cpy in kernel/bpf/syscall.c). */
final class ObjectName {
    private static final int MAX_LENGTH = 15;
    private static final Pattern ALLOWED = Pattern.compile("[A-Za-z0-9_.]{1," + MAX_LENGTH + "}");

    private ObjectName() {}

    static String require(String name) {
        if (!ALLOWED.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "the kernel takes names of 1 to %d letters, digits, _ and .: \"%s\"".formatted(MAX_LENGTH, name));
        }
        return name;
    }
}
