package io.turnstile.bpf;

/** What bpf(2) can be asked ({@code enum bpf_cmd}), as far as this package does. */
enum Command {
    // spotless:off
    MAP_CREATE                 (0,  "creating map %s"),
    MAP_LOOKUP_ELEM            (1,  "looking up an entry of map %s"),
    MAP_UPDATE_ELEM            (2,  "putting an entry into map %s"),
    MAP_DELETE_ELEM            (3,  "deleting an entry of map %s"),
    PROG_LOAD                  (5,  "loading program %s"),
    PROG_TEST_RUN              (10, "running program %s for a test"),
    OBJ_GET_INFO_BY_FD         (15, "asking about %s"),
    MAP_LOOKUP_BATCH           (24, "reading entries of map %s"),
    MAP_LOOKUP_AND_DELETE_BATCH(25, "taking entries out of map %s"),
    MAP_UPDATE_BATCH           (26, "putting entries into map %s"),
    MAP_DELETE_BATCH           (27, "deleting entries of map %s"),
    LINK_CREATE                (28, "attaching program %s");
    // spotless:on

    private final int number;
    private final String asking;

    Command(int number, String asking) {
        this.number = number;
        this.asking = asking;
    }

    int number() {
        return number;
    }

    /** What was asked of whom, for the message of an error. */
    String asking(String whom) {
        return asking.formatted(whom);
    }
}
