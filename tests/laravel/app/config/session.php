<?php

return ['driver' => 'array', 'lifetime' => 120, 'cookie' => 'boards_session', 'path' => '/'];
