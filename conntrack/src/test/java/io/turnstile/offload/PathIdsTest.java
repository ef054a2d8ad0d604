package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PathIdsTest {
    private static final long CONNECTION = 5L << Integer.SIZE | 77;

    @Test
    void anIdSaysWhereItsConnectionStands() {
        PathIds ids = new PathIds(0);
        assertThat(ids.next(CONNECTION)).isEqualTo(1L << Integer.SIZE | 77);
        assertThat(ids.next(CONNECTION)).isEqualTo(2L << Integer.SIZE | 77);
    }

    @Test
    void afterTwoBillionTheyBeginAnewAndNoneIsNegativeOrWithoutNumber() {
        PathIds ids = new PathIds(Integer.MAX_VALUE - 1L);
        assertThat(ids.next(CONNECTION)).isEqualTo((long) Integer.MAX_VALUE << Integer.SIZE | 77);
        assertThat(ids.next(CONNECTION)).isEqualTo(1L << Integer.SIZE | 77);
    }
}
