// Package mysql applies migrations to MySQL and MariaDB exactly once.
package mysql
